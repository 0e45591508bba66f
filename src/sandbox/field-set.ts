import { isObject, type JsonObject } from './schema.ts';

/** One step of a path as managedFields write it: `f:spec`, `k:{"name":"web"}`, `v:"x"`. */
export type Step = string;

/** A set of paths into an object: what a manager owns. Immutable but for `insert`. */
export class FieldSet {
  private readonly members = new Set<Step>();
  private readonly children = new Map<Step, FieldSet>();

  static fromFieldsV1(fields: unknown): FieldSet {
    const set = new FieldSet();
    if (!isObject(fields)) return set;
    for (const [step, below] of Object.entries(fields)) {
      if (step === '.') continue;
      if (!isObject(below) || Object.keys(below).length === 0 || '.' in below) set.members.add(step);
      const child = FieldSet.fromFieldsV1(below);
      if (!child.isEmpty()) set.children.set(step, child);
    }
    return set;
  }

  static of(paths: readonly (readonly Step[])[]): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.insert(path);
    return set;
  }

  toFieldsV1(): JsonObject {
    const steps = [...new Set([...this.members, ...this.children.keys()])].sort();
    return Object.fromEntries(
      steps.map((step) => [
        step,
        { ...(this.members.has(step) && this.children.has(step) ? { '.': {} } : {}), ...this.child(step).toFieldsV1() },
      ]),
    );
  }

  insert(path: readonly Step[]): void {
    const [step, ...rest] = path;
    if (step === undefined) return;
    if (rest.length === 0) {
      this.members.add(step);
      return;
    }
    let child = this.children.get(step);
    if (!child) this.children.set(step, (child = new FieldSet()));
    child.insert(rest);
  }

  has(step: Step): boolean {
    return this.members.has(step);
  }

  /** What is below the step, without it. */
  child(step: Step): FieldSet {
    return this.children.get(step) ?? new FieldSet();
  }

  isEmpty(): boolean {
    return this.members.size === 0 && this.children.size === 0;
  }

  union(other: FieldSet): FieldSet {
    return this.combine(other, (mine, theirs) => mine || theirs);
  }

  intersection(other: FieldSet): FieldSet {
    return this.combine(other, (mine, theirs) => mine && theirs);
  }

  difference(other: FieldSet): FieldSet {
    return this.combine(other, (mine, theirs) => mine && !theirs);
  }

  paths(): Step[][] {
    const own = [...this.members].sort().map((step) => [step]);
    const below = [...this.children.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    return [...own, ...below.flatMap(([step, child]) => child.paths().map((path) => [step, ...path]))];
  }

  private combine(other: FieldSet, keep: (mine: boolean, theirs: boolean) => boolean): FieldSet {
    const result = new FieldSet();
    for (const step of [...this.members, ...other.members]) {
      if (keep(this.members.has(step), other.members.has(step))) result.members.add(step);
    }
    for (const step of new Set([...this.children.keys(), ...other.children.keys()])) {
      const child = this.child(step).combine(other.child(step), keep);
      if (!child.isEmpty()) result.children.set(step, child);
    }
    return result;
  }
}

/** `.spec.containers[name="web"].image` */
export const pathText = (path: readonly Step[]): string => path.map(stepText).join('');

export function stepText(step: Step): string {
  const value = step.slice(2);
  switch (step[0]) {
    case 'k': {
      const keys = JSON.parse(value) as JsonObject;
      return `[${Object.entries(keys)
        .map(([name, key]) => `${name}=${JSON.stringify(key)}`)
        .join(',')}]`;
    }
    case 'v':
      return `[=${value}]`;
    case 'i':
      return `[${value}]`;
    default:
      return `.${value}`;
  }
}
