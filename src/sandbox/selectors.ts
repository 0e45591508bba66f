import { badRequest } from './api-error.ts';
import type { Resource } from './resources.ts';
import type { StoredObject } from './stored-object.ts';

export type Predicate = (object: StoredObject) => boolean;

interface LabelRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  values: string[];
}

/** What every kind can be selected by, and what some can beside it. */
const selectable: Record<string, string[]> = {
  events: [
    ...['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map((field) => `involvedObject.${field}`),
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  namespaces: ['status.phase'],
  nodes: ['spec.unschedulable'],
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  replicasets: ['status.replicas'],
  secrets: ['type'],
};

/** Both selectors of a list, watch or collection delete as one question to an object. Throws ApiError 400 where they can't be read. */
export function selector(resource: Resource, labels: string | undefined, fields: string | undefined): Predicate {
  const byLabels = labelRequirements(labels ?? '');
  const byFields = fieldRequirements(resource, fields ?? '');
  return (object) =>
    byLabels.every((requirement) => matchesLabel(requirement, object.metadata.labels ?? {})) &&
    byFields.every(({ path, value, equal }) => (fieldOf(object, path) === value) === equal);
}

/** The name that a field selector asks for, where it asks for one. */
export const selectedName = (resource: Resource, fields: string | undefined): string | undefined =>
  fieldRequirements(resource, fields ?? '').find(({ path, equal }) => path === 'metadata.name' && equal)?.value;

function fieldRequirements(resource: Resource, text: string): { path: string; value: string; equal: boolean }[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((term) => {
      const [, path, operator, value = ''] = /^([^=!]+)(==|!=|=)(.*)$/.exec(term) ?? [];
      if (path === undefined) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
      if (path !== 'metadata.name' && path !== 'metadata.namespace' && !selectable[resource.plural]?.includes(path)) {
        throw badRequest(`field label not supported: ${path}`);
      }
      return { path, value, equal: operator !== '!=' };
    });
}

function fieldOf(object: StoredObject, path: string): string {
  if (object.kind === 'Event' && path === 'source') path = 'source.component';
  const found = path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], object);
  if (path === 'spec.unschedulable') return found === true ? 'true' : 'false';
  return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
}

const tokens = /\s*(!=|==|=|!|,|\(|\)|>|<|[^\s=!,()<>]+)\s*/gy;

/** Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k`. */
export function labelRequirements(text: string): LabelRequirement[] {
  const words = [...text.matchAll(tokens)].map(([, word = '']) => word);
  if (words.join('') !== text.replace(/\s/g, '')) throw badRequest(`unable to parse requirement: ${text}`);
  const requirements: LabelRequirement[] = [];
  while (words.length) {
    requirements.push(requirement(words));
    const comma = words.shift();
    if (comma === undefined) break;
    if (comma !== ',') throw badRequest(`found '${comma}', expected: ',' or 'end of string'`);
    if (!words.length || words[0] === ',') throw badRequest(`found '${words[0] ?? ''}', expected: identifier after ','`);
  }
  return requirements;
}

function requirement(words: string[]): LabelRequirement {
  const first = words.shift() ?? '';
  if (first === '!') return { key: identifier(words.shift()), operator: 'DoesNotExist', values: [] };
  const key = identifier(first);
  const next = words[0];
  if (next === undefined || next === ',') return { key, operator: 'Exists', values: [] };
  words.shift();
  switch (next) {
    case '=':
    case '==':
      return { key, operator: 'In', values: [value(words)] };
    case '!=':
      return { key, operator: 'NotIn', values: [value(words)] };
    case '>':
    case '<':
      return { key, operator: next === '>' ? 'Gt' : 'Lt', values: [value(words)] };
    case 'in':
    case 'notin':
      return { key, operator: next === 'in' ? 'In' : 'NotIn', values: valueList(words) };
    default:
      throw badRequest(`found '${next}', expected: '=', '!=', '==', 'in', notin'`);
  }
}

function identifier(word: string | undefined): string {
  if (!word || !/^[\w./-]+$/.test(word)) throw badRequest(`found '${word ?? ''}', expected: !, identifier, or 'end of string'`);
  return word;
}

/** An empty value is allowed: `key=`. */
const value = (words: string[]): string => (words[0] === undefined || words[0] === ',' ? '' : identifier(words.shift()));

function valueList(words: string[]): string[] {
  if (words.shift() !== '(') throw badRequest(`unable to parse requirement: found '', expected: '('`);
  const values: string[] = [];
  for (;;) {
    const word = words.shift();
    if (word === ')') return values;
    if (word === undefined) throw badRequest(`unable to parse requirement: found '', expected: ',' or ')'`);
    if (word !== ',') values.push(identifier(word));
  }
}

function matchesLabel({ key, operator, values }: LabelRequirement, labels: Record<string, string>): boolean {
  const label = labels[key];
  switch (operator) {
    case 'Exists':
      return label !== undefined;
    case 'DoesNotExist':
      return label === undefined;
    case 'In':
      return label !== undefined && values.includes(label);
    case 'NotIn':
      return label === undefined || !values.includes(label);
    case 'Gt':
      return Number(label) > Number(values[0]);
    case 'Lt':
      return Number(label) < Number(values[0]);
  }
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Whether labels fit a selector as Deployments and ReplicaSets carry it. An empty selector fits everything. */
export function matches(wanted: LabelSelector, labels: Record<string, string> = {}): boolean {
  return (
    Object.entries(wanted.matchLabels ?? {}).every(([key, label]) => labels[key] === label) &&
    (wanted.matchExpressions ?? []).every(({ key, operator, values = [] }) =>
      matchesLabel({ key, operator: operator as LabelRequirement['operator'], values }, labels),
    )
  );
}
