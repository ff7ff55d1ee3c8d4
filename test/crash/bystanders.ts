import { randomUUID } from 'node:crypto';
import { type Answer, makeCsr, type RecordingClient, type System, testProfiles } from '@sluice/testkit';

/** Clients who have nothing to do with what operators do meanwhile: each waits for its certificate, then orders the next. */
export interface Bystanders {
  readonly client: RecordingClient;
  /** What they were told of what they sent since then (milliseconds since 1970), in a line. */
  since(fromMs: number): string;
  /** Resolves when all have their last answer. */
  stop(): Promise<void>;
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function lineOf(answers: readonly Answer[]): string {
  const took = answers.map(({ sentAt, endedAt }) => endedAt - sentAt).sort((a, b) => a - b);
  const issued = answers.filter(({ status }) => status === 201).length;
  const [p50, p99, most] = [percentile(took, 0.5), percentile(took, 0.99), took.at(-1) ?? 0].map(Math.round);
  return `${issued} of ${answers.length} calls of others 201, p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms`;
}

export function startBystanders(system: System, count: number): Bystanders {
  const client = system.client();
  let stopped = false;
  async function orderOnAndOn(number: number): Promise<void> {
    for (let orders = 0; !stopped; orders += 1) {
      const name = `bystander-${number}-${orders}.example`;
      const csr = makeCsr('ec-p256', name).pem;
      await client.post({ profile: testProfiles.p256, csr, subjectDn: { common_name: name }, key: randomUUID() });
    }
  }
  const running = Array.from({ length: count }, (_, number) => orderOnAndOn(number));
  return {
    client,
    since: (fromMs) => lineOf(client.answers.filter(({ sentAt }) => sentAt >= fromMs)),
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
