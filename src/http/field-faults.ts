import { InvalidFields } from './errors.ts';

/** Collects what is wrong with a request, field by field, so that everything is answered at once. */
export class FieldFaults {
  private readonly found = new Map<string, Set<string>>();

  /** A message that a field already has is not repeated. */
  add(field: string, message: string): void {
    this.found.set(field, (this.found.get(field) ?? new Set()).add(message));
  }

  /** Throws `InvalidFields` if anything was found. */
  check(): void {
    if (this.found.size > 0) {
      throw new InvalidFields(Object.fromEntries([...this.found].map(([field, messages]) => [field, [...messages]])));
    }
  }
}
