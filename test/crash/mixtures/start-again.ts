import { setTimeout as wait } from 'node:timers/promises';
import type { Member } from '@sluice/testkit';

const triesMax = 60;

/** Starts a process in its place as a supervisor would: again and again, while what it needs is away. */
export async function startAgain(member: Member): Promise<void> {
  for (let tried = 1; !member.alive; tried += 1) {
    try {
      await member.start();
    } catch (fault) {
      if (tried === triesMax) throw fault;
      await wait(500);
    }
  }
}
