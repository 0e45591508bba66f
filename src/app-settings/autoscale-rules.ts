import { processTypeFault } from '../builds/process-type-name.ts';
import { isJsonObject } from '../http/field-values.ts';
import type { Autoscale } from './app-settings.entity.ts';

const NUMBERS = ['min', 'max', 'cpu_percent'] as const;
/** As many as can be scaled to by hand. */
const MAX_REPLICAS = 10_000;
/** Of what a pod requests: it may use far more than that. */
const MAX_PERCENT = 100_000;

/** What is wrong with autoscale rules by process type, where null takes one away. */
export function autoscaleFaults(rules: Record<string, unknown>): string[] {
  const faults = Object.entries(rules).flatMap(([type, rule]) =>
    [processTypeFault(type) ?? [], rule === null ? [] : ruleFaults(rule)].flat(),
  );
  return [...new Set(faults)];
}

function ruleFaults(rule: unknown): string[] {
  const faults = shapeFaults(rule);
  if (faults.length > 0) return faults.map((fault) => `could not validate ${shown(rule)}: ${fault}`);
  const { min, max, cpu_percent: percent } = rule as Autoscale;
  return [
    ...(min < 1 ? ['min replicas needs to be 1 or higher'] : []),
    ...(max < min ? ['max replicas can not be smaller than min replicas'] : []),
    ...(max > MAX_REPLICAS ? [`max replicas can not be more than ${String(MAX_REPLICAS)}`] : []),
    ...(percent < 1 || percent > MAX_PERCENT ? [`cpu percent needs to be between 1 and ${String(MAX_PERCENT)}`] : []),
  ];
}

function shapeFaults(rule: unknown): string[] {
  if (!isJsonObject(rule)) return ['not an object with min, max and cpu_percent'];
  return NUMBERS.flatMap((name) => {
    if (!Object.hasOwn(rule, name)) return [`'${name}' is a required property`];
    return Number.isSafeInteger(rule[name]) ? [] : [`'${name}' is not an integer`];
  });
}

/** The rules as they are kept: with the three numbers and nothing else. @param rules without faults */
export function readAutoscale(rules: Record<string, unknown>): Record<string, Autoscale | null> {
  return Object.fromEntries(
    Object.entries(rules as Record<string, Autoscale | null>).map(([type, rule]) => [
      type,
      rule && { min: rule.min, max: rule.max, cpu_percent: rule.cpu_percent },
    ]),
  );
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
