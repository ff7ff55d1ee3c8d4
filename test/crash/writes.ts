import * as provoke from './provocations.js';
import { parkAndBringBack } from './queue-provocations.js';
import * as registry from './registry-provocations.js';

const everyService = { renew: provoke.renew, enrol: provoke.enrol };

/** Every verb of every service that writes, by the name of its function, with what makes a process call it. */
export const writes = {
  'identity-api': {
    ...everyService,
    read_load: provoke.byLoad,
    accept: provoke.byLoad,
    extend: provoke.extend,
    join_keys: provoke.join,
    decide: provoke.decide,
    cancel: provoke.cancel,
  },
  signer: {
    ...everyService,
    lane_loads: provoke.byLoad,
    claim: provoke.byLoad,
    claim_again: provoke.claimAnswerLost,
    complete: provoke.byLoad,
    sweep: provoke.byLoad,
    attach_token: provoke.bothStart,
    register_templates: provoke.profile,
    complete_generate: provoke.newCa,
    complete_ca_certificate: provoke.newCa,
    reject: provoke.reject,
    release: registry.keyGone,
    burn: provoke.keysStall,
    audit_next: provoke.bothStart,
    key_missing: registry.keyGone,
    report_capacity: provoke.byLoad,
  },
  'issuer-registry': {
    ...everyService,
    create_account: provoke.account,
    apply_profile: provoke.profile,
    set_profile_state: provoke.switchProfile,
    set_account_state: provoke.switchAccount,
    set_account_limits: provoke.limits,
    add_api_key: provoke.apiKey,
    revoke_api_key: provoke.apiKey,
    block_key: provoke.blockKey,
    create_ca: provoke.newCa,
    put_key_work: provoke.newCa,
    disable_ca: provoke.disable,
    enable_ca: registry.enable,
    retire_ca: registry.retire,
    lift_quarantine: registry.keyGone,
    forget_subscriber: registry.forget,
    admit_restore: registry.restored,
    refuse: registry.refuse,
    acknowledge: provoke.account,
    confirm: provoke.byLoad,
    fence_expired: provoke.byLoad,
    hold_work: parkAndBringBack,
    undo_hold: parkAndBringBack,
    resubmit: parkAndBringBack,
    steer: parkAndBringBack,
    take_receipts: provoke.byLoad,
    carry_on: parkAndBringBack,
    open_stream: provoke.bothStart,
    make_partitions: provoke.bothStart,
    purge_idempotency: provoke.bothStart,
  },
} satisfies Record<string, Record<string, (site: registry.SiteWithCaApart) => Promise<unknown>>>;

/** Looks whether the ledger takes writes, and leaves nothing. */
const everywhere = ['takes_writes'];

/** Verbs that nothing here provokes yet, and that no process must call in this test. Whoever makes one do so moves it up. */
export const unprovoked: Readonly<Record<keyof typeof writes | 'ocsp-responder', readonly string[]>> = {
  'identity-api': everywhere,
  signer: everywhere,
  'issuer-registry': everywhere,
  'ocsp-responder': [...everywhere, 'enrol', 'renew'],
};
