/** What no part of the cluster should throw: a mistake in the sandbox. It says so and goes on. */
export function reportUnexpected(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
