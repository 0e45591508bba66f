/** Transformer of a bigint column that stays far below 2^53 in practice; the driver hands bigints out as strings. */
export const counter = { to: (value: number) => value, from: (value: string | number) => Number(value) };
