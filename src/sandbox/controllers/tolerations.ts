import type { Node, Pod } from './objects.ts';

export type Taint = NonNullable<Node['spec']['taints']>[number];

/** How many seconds a pod stays on a node with the taint: 0 if it doesn't tolerate it. Pure. */
export function tolerations({ spec }: Pod, taint: Taint): number | 'for ever' {
  const fitting = (spec.tolerations ?? []).filter(
    ({ key, effect, operator = 'Equal', value = '' }) =>
      (!effect || effect === taint.effect) &&
      (key ? key === taint.key : operator === 'Exists') &&
      (operator === 'Exists' || value === (taint.value ?? '')),
  );
  if (fitting.length === 0) return 0;
  const limits = fitting.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  return limits.length ? Math.max(0, Math.min(...limits)) : 'for ever';
}

/** The first taint that keeps the pod from being scheduled, in the scheduler's words. Pure. */
export function untolerated(pod: Pod, node: Node): string | undefined {
  const taint = (node.spec.taints ?? []).find((each) => each.effect !== 'PreferNoSchedule' && tolerations(pod, each) === 0);
  return taint && `node(s) had taint {${taint.key}: ${taint.value ?? ''}}, that the pod didn't tolerate`;
}
