import type { Type } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';

/** The answer to what changed something, and to questions that are answered by yes or no. */
export class DoneResponse {
  @ApiProperty({ type: 'boolean' })
  status!: boolean;

  @ApiProperty({ type: 'string', description: 'Why, if the status is false.' })
  message!: string;
}

export const done: DoneResponse = { status: true, message: '' };

class AddedId {
  @ApiProperty({ type: 'string' })
  id!: string;
}

/** The answer to what added something. */
export class AddedResponse extends DoneResponse {
  @ApiProperty({ type: AddedId })
  data!: AddedId;
}

/** @param id such as `r-3d48618a283111e8a7e3000c298454d8` */
export const added = (id: string): AddedResponse => ({ status: true, message: '', data: { id } });

/** The answer to a question for something. */
export interface Found<T> extends DoneResponse {
  data: T;
}

export const found = <T>(data: T): Found<T> => ({ status: true, message: '', data });

/** The class that documents `Found`. @param type class of what it holds, or `[class]` for a list of them */
export function foundOf<T extends object>(type: Type<T>): Type<Found<T>>;
export function foundOf<T extends object>(type: [Type<T>]): Type<Found<T[]>>;
export function foundOf(type: Type | [Type]): Type<Found<unknown>> {
  class FoundOf extends DoneResponse {
    @ApiProperty({ type })
    data!: unknown;
  }
  const name = Array.isArray(type) ? `ListOf${type[0].name}` : `DataOf${type.name}`;
  Object.defineProperty(FoundOf, 'name', { value: name });
  return FoundOf;
}
