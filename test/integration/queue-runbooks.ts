import { randomUUID } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import { enrolOperator } from '@sluice/ledger';
import type { ReceiptView } from '@sluice/registry-protocol';
import { makeCsr, testProfiles } from '@sluice/testkit';
import { beforeAll, expect, it } from 'vitest';
import { system } from './one-system.js';
import { doLine } from './runbook-lines.js';
import { commandsOf } from './runbook-page.js';
import { createOperator, type Operator, type Said } from './sluice-command.js';

// Goal: the commands of queue-flood.md and release-parked.md do what the pages say. Method: a flood of one account that
// nobody signs, and the very lines of the pages, in their order, at the command line as it ships.

let alice: Operator;
beforeAll(async () => {
  alice = createOperator('alice', system.dir, () => system.registry.url);
  await enrolOperator(system.adminUrl, { ...alice, role: 'operator' });
});

const flooded = 40;
const floodName = 'flood.example';

const does = (line: string, names?: Readonly<Record<string, string>>): Promise<Said> => doLine(alice, line, names);
const receipts = async (): Promise<ReceiptView[]> =>
  (JSON.parse((await alice.sluice('queue', 'receipts', '--json')).out) as { receipts: ReceiptView[] }).receipts;
const newest = async (): Promise<ReceiptView> => (await receipts())[0] as ReceiptView;
const stateOf = async (id: string): Promise<string | undefined> =>
  (await receipts()).find((one) => one.id === id)?.state;
const parked = async (): Promise<number> =>
  (await system.query(`select from ledger.shelf where state = 'parked' and account = 'second-account'`)).length;

/** Orders of the second account; nobody waits for them. */
async function order(count: number): Promise<void> {
  const client = system.client({ apiKey: system.otherApiKey });
  const orderOne = async (): Promise<void> => {
    const subjectDn = { common_name: floodName };
    const order = { csr: makeCsr('ec-p256', floodName).pem, subjectDn, key: randomUUID() };
    // Again until it is told 202: a slow machine may refuse it, or not know.
    const post = () => client.post({ profile: testProfiles.p256, ...order, prefer: 'respond-async' });
    await expect.poll(async () => (await post()).status, soon).toBe(202);
  };
  await Promise.all(Array.from({ length: count }, orderOne));
}
const soon = { timeout: 60_000, interval: 50 };

it('queue-flood.md: the flood is set aside, what still arrives too, and others get theirs', async () => {
  await does('sluice queue pause async.default --reason "no signer takes it" --yes');
  await order(flooded);
  const lines = commandsOf('queue-flood.md');
  const parking = lines.filter((line) => line.includes('queue park'));
  expect(parking).toHaveLength(3);
  const [first] = parking;
  for (const line of lines) {
    const said = await does(line);
    if (line.includes('park') && line.includes('--yes'))
      await expect.poll(newest, soon).toMatchObject({ state: 'holding' });
    if (line === first) expect(said.out).toMatch(new RegExp(`${flooded} requests match(.|\n)*Nothing was changed`));
  }
  await does('sluice queue resume async.default --reason "it is held now"');
  await expect.poll(parked, soon).toBe(flooded);
  await order(3);
  await expect.poll(parked, soon).toBe(flooded + 3);
  const name = 'other.example';
  const csr = makeCsr('ec-p256', name).pem;
  const answer = await system.client().post({ profile: testProfiles.p256, csr, subjectDn: { common_name: name } });
  expect(answer.status).toBe(201);
});

it('release-parked.md: a mistake is undone; the rest is resubmitted, rests, goes on, and is stopped', async () => {
  const lines = commandsOf('release-parked.md');
  const find = (part: string): string => lines.find((line) => line.includes(part)) ?? `no ${part} on the page`;
  const [whole, third] = (await receipts()).filter(({ verb }) => verb === 'park') as [ReceiptView, ReceiptView];
  const before = third.moved;
  await does(find('queue receipts'));
  await does(find('queue undo'), { RECEIPT: third.id });
  await expect.poll(() => stateOf(third.id), soon).toBe('undone');
  // Two thirds of it the other one holds, too: what the mistake had set aside stays under that one.
  expect(await parked()).toBe(flooded + 3);
  expect(before).toBeGreaterThan(0);

  const names: Record<string, string> = { RECEIPT: whole.id };
  const slowly = (line: string): string => line.replace('50/s', '1/s').replace(' --follow', '');
  await does(find('--dry-run'), names);
  await does(slowly(find('--yes --follow')), names);
  names.RESUBMISSION = (await newest()).id;
  await does(find('queue pause RESUBMISSION'), names);
  expect(await stateOf(names.RESUBMISSION)).toBe('paused');
  await does(find('queue resume RESUBMISSION'), names);
  expect(await stateOf(names.RESUBMISSION)).toBe('running');
  await does(find('queue stop RESUBMISSION'), names);
  const left = await parked();
  expect(left).toBeGreaterThan(flooded / 2);

  await does(find('--yes --follow'), names);
  names.RESUBMISSION = (await newest()).id;
  const shown = await does(find('queue show RESUBMISSION'), names);
  expect(shown.out).toMatch(/state +done/);
  expect(await newest()).toMatchObject({ matched: left, moved: left, passed_over: 0 });
  await does(find('--list superseded'), names);
  const issued = `select from ledger.outcome o join ledger.request r on r.id = o.request_id
    where o.state = 'issued' and r.content::jsonb #>> '{subject_dn,common_name}' = $1`;
  await expect.poll(async () => (await system.query(issued, [floodName])).length, soon).toBe(flooded + 3);
});

it('the description of the admin API is OpenAPI 3.1, and what it describes is there, for whoever has a token', async () => {
  const path = '/admin/v1/openapi.json';
  const document = (await (await fetch(`${system.registry.url}${path}`)).json()) as {
    paths: Record<string, Record<string, object>>;
  };
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect([valid, errors]).toEqual([true, undefined]);
  const calls = Object.entries(document.paths).flatMap(([template, item]) =>
    Object.keys(item).map((method) => [method.toUpperCase(), template.replace(/\{\w+\}/g, 'x')] as const),
  );
  expect(calls.length).toBeGreaterThan(40);
  for (const [method, called] of calls) {
    const { status } = await fetch(`${system.registry.url}${called}`, { method });
    expect([method, called, status]).toEqual([method, called, called === path ? 200 : 401]);
  }
});

it('what cannot be done is refused with what to do instead, and nothing is changed', async () => {
  const refused = async (line: string, exitCode: number, text: RegExp): Promise<void> => {
    const words = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
    const said = await alice.sluice('queue', ...words);
    expect([said.exitCode, said.err], line).toEqual([exitCode, expect.stringMatching(text)]);
  };
  const before = await receipts();
  const why = '--reason "x" --yes';
  const { id: done } = before[0] as ReceiptView;
  const { id: released } = before.find(({ state }) => state === 'released') as ReceiptView;
  await refused(`park --account secnd-account ${why}`, 3, /Did you mean second-account/);
  await refused(`park --ca ca-p257 ${why}`, 3, /Did you mean ca-p256/);
  await refused(`park --profile tls-p257 ${why}`, 3, /Did you mean tls-p256/);
  await refused(`park --key-group defualt ${why}`, 3, /Did you mean default/);
  await refused(`park ${why}`, 4, /matches everything(.|\n)*--all/);
  await refused(`park --fraction 1 ${why}`, 4, /matches everything(.|\n)*--all/);
  await refused(`park --account second-account ${why}`, 4, /Nothing that is queued matches(.|\n)*--arriving/);
  await refused(`park --account second-account --fraction 4/3 ${why}`, 2, /above 0 and at most 1/);
  await refused(`park --account second-account --state parked ${why}`, 2, /on the shelf already/);
  await refused(`undo ${released} --reason "x"`, 4, /A resubmission took it over/);
  await refused(`undo ${done} --reason "x"`, 4, /may be signed by now/);
  await refused(`resume background.default --reason "x"`, 4, /is not paused/);
  await refused(`resubmit ${released} --rate 50/s ${why}`, 4, /nothing on the shelf/i);
  await refused(`resubmit --account second-account --state expired --rate 50/s ${why}`, 4, /never contradicted/);
  await refused(`resubmit ${released} --rate 0/s ${why}`, 2, /1 to 10000/);
  await refused(`show 0b0f9a1e-5c1a-4a58-9c7f-6f3a1c2d4e5f`, 3, /no receipt/);
  expect(await receipts()).toEqual(before);
});
