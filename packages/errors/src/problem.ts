import { codes } from './codes.js';
import type { SluiceError } from './sluice-error.js';

/** What became, or will become, of a request: what the client may rely on (ARCHITECTURE, step 10). */
export const fates = ['issued', 'continuing', 'not-issued', 'withheld', 'unknown', 'cancelled'] as const;
export type Fate = (typeof fates)[number];

/** RFC 9457 problem details, with our members. */
export interface Problem {
  /** Where the front end tells more of it: a relative reference (RFC 9457 3.1.1). */
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  what_to_do: string;
  /** The id under which the log tells the rest. */
  request_id?: string;
  fate?: Fate;
  /** RFC 6901 pointer to the member at fault. */
  pointer?: string;
  findings?: readonly { pointer: string; code: string; detail: string }[];
  [extension: string]: unknown;
}

/** The only mapping from an error to what outsiders see. `internal` shows no detail beyond the request id. */
export function toProblem(error: SluiceError): Problem {
  const { status, title, whatToDo } = codes[error.code];
  return {
    type: `/problems/${error.code}`,
    title,
    status,
    detail: error.code === 'internal' ? title : error.message,
    code: error.code,
    what_to_do: whatToDo,
    ...(error.code === 'internal' ? {} : error.facts),
  };
}
