import { type Fate, SluiceError } from '@sluice/errors';
import type { Standing } from '@sluice/ledger';
import { toPem } from '@sluice/pki';
import type { z } from 'zod';
import { type Answer, jsonAnswer, locationOf, problemAnswer } from '../answer.js';
import type { continuingSchema, identitySchema, openSchema } from '../api/schemas.js';
import type { Directory } from '../directory.js';
import { lookAgainS } from '../retry-after.js';

export type IssuedStanding = Extract<Standing, { state: 'issued' }>;
type OpenStanding = Extract<Standing, { state: 'queued' | 'signing' }>;

export function isOpen(standing: Standing): standing is OpenStanding {
  return standing.state === 'queued' || standing.state === 'signing';
}

export interface AnswerForContext {
  readonly directory: Directory;
  readonly random: () => number;
  /** What an issued and a continuing request are answered with: 201 and 202 to who ordered, 200 to who reads. */
  readonly status: { readonly issued: number; readonly continuing: number };
}

export const ordered = { issued: 201, continuing: 202 } as const;
export const asked = { issued: 200, continuing: 200 } as const;

/**
 * Step 10, the fate table: what is said about each standing. It is said only of what is committed, and an open request
 * is called `continuing` only by who moved its deadline beyond the wait.
 */
export function answerFor(standing: Standing, context: AnswerForContext): Answer {
  const { random, status } = context;
  const location = locationOf(standing.requestId);
  const problem = (error: SluiceError, fate: Fate, at?: string) => problemAnswer(error, { fate, location: at, random });
  const about = { id: standing.requestId, state: standing.state };
  switch (standing.state) {
    case 'issued':
      return issuedAnswer(standing, context);
    case 'queued':
    case 'signing':
    case 'parked': {
      const headers = { location, 'retry-after': String(lookAgainS(random)) };
      if (status === asked && isOpen(standing)) {
        // Reading does not move the deadline, so it may promise no fate: whoever waits may be told `not-issued`.
        const open = { id: standing.requestId, state: standing.state } satisfies z.infer<typeof openSchema>;
        return jsonAnswer(status.continuing, open, headers);
      }
      const body = { id: standing.requestId, state: standing.state, fate: 'continuing' } as const;
      return jsonAnswer(status.continuing, body satisfies z.infer<typeof continuingSchema>, headers, 'continuing');
    }
    case 'failed':
      return problem(new SluiceError('failed', undefined, { facts: about }), 'continuing', location);
    case 'rejected': {
      const detail = standing.detail === '' ? undefined : standing.detail;
      return problem(new SluiceError(standing.code, detail, { facts: about }), fateOfRefused(standing));
    }
    case 'expired':
      return problem(new SluiceError(fateOfRefused(standing), undefined, { facts: about }), fateOfRefused(standing));
    case 'cancelled':
      return problem(new SluiceError('cancelled', undefined, { facts: about }), 'cancelled');
  }
}

/** `not-issued` promises that no signature was begun; after a burned serial only that nothing will be handed out. */
function fateOfRefused({ withheld }: { readonly withheld: boolean }): 'withheld' | 'not-issued' {
  return withheld ? 'withheld' : 'not-issued';
}

function issuedAnswer(standing: IssuedStanding, context: AnswerForContext): Answer {
  const location = locationOf(standing.requestId);
  const chain = context.directory.chain(standing.ca);
  if (chain === undefined) {
    // Issued and kept, but this snapshot is older than the CA: the next look, a moment later, finds it.
    const error = new SluiceError('stale-snapshot', undefined, { facts: { id: standing.requestId } });
    return problemAnswer(error, { fate: 'continuing', location, random: context.random });
  }
  const body = {
    id: standing.requestId,
    serial: Buffer.from(standing.serial).toString('hex'),
    signing_cert: toPem(standing.certificate, 'CERTIFICATE'),
    chain: [...chain],
    not_before: standing.notBefore.toISOString(),
    not_after: standing.notAfter.toISOString(),
  } satisfies z.infer<typeof identitySchema>;
  return jsonAnswer(context.status.issued, body, { location }, 'issued');
}
