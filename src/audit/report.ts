import type { Break, Findings } from './chain-verifier.ts';

/** What was found, in words. */
export interface Report {
  /** `open`: nothing is wrong with what is there, but there was nothing to compare it with. */
  verdict: 'well' | 'broken' | 'open';
  lines: string[];
}

export function report(findings: Findings): Report {
  const { head, waiting, outcasts, checkpoints } = findings;
  const faults = faultsOf(findings);
  const compared = checkpoints.compared > 0;
  return {
    verdict: faults.length > 0 ? 'broken' : compared ? 'well' : 'open',
    lines: [
      ...faults.map((fault) => `BROKEN: ${fault}`),
      `Whole up to sequence ${String(head.sequence)}${head.hash && `, hash ${head.hash}`}.`,
      `${counted(waiting + outcasts.count, 'row')} unsealed.`,
      compared
        ? `Compared with ${counted(checkpoints.compared, 'logged checkpoint')}.`
        : 'Compared with no checkpoint from the log: a chain that was cut off or made anew cannot be told from the true one. ' +
          'Give --checkpoint or --log.',
      ...(faults.length === 0 && compared ? ['The audit log is as it was written.'] : []),
    ],
  };
}

function faultsOf({ broken, emptied, late, outcasts, vanished, checkpoints }: Findings): string[] {
  return [
    ...(broken ? [wordsOf(broken)] : []),
    ...(emptied ? ['there is a key, which is made with the first seal, but no seal: all seals were deleted.'] : []),
    ...(late.count > 0
      ? [
          `${counted(late.count, 'row')} waiting for a seal for more than a minute, the first with the id ${String(late.first)}: does a Keelson run? Its log says why it can't seal.`,
        ]
      : []),
    ...(outcasts.count > 0
      ? [
          `${counted(outcasts.count, 'row')} without a seal and not waiting for one, the first with the id ${String(outcasts.first)}: lost a seal, or a place in the queue.`,
        ]
      : []),
    ...(vanished.count > 0
      ? [`${counted(vanished.count, 'row')} deleted before being sealed, the first with the id ${String(vanished.first)}.`]
      : []),
    ...(checkpoints.fault === null ? [] : [`Against the log: ${checkpoints.fault}.`]),
  ];
}

function wordsOf({ sequence, row, fault }: Break): string {
  const which = row ? ` ${row.id} (${timeOf(row.time)}, ${[row.action, row.object].filter(Boolean).join(' ')})` : '';
  return `sequence ${String(sequence)}: row${which} ${fault}.`;
}

/** @param seconds a tampered one may be no time */
function timeOf(seconds: string | null): string {
  const time = new Date(Number(seconds) * 1000);
  return Number.isNaN(time.getTime()) ? `at ${String(seconds)} s` : time.toISOString();
}

const counted = (count: number, thing: string): string => `${String(count)} ${thing}${count === 1 ? '' : 's'}`;
