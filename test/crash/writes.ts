import * as provoke from './provocations.js';

const everyService = { renew: provoke.renew, enrol: provoke.enrol };

/** Every verb of every service that writes, by the name of its function, with what makes a process call it. */
export const writes = {
  'identity-api': {
    ...everyService,
    accept: provoke.byLoad,
    extend: provoke.extend,
    join_keys: provoke.join,
    decide: provoke.decide,
    cancel: provoke.cancel,
  },
  signer: {
    ...everyService,
    claim: provoke.byLoad,
    claim_again: provoke.claimAnswerLost,
    complete: provoke.byLoad,
    sweep: provoke.byLoad,
    register_templates: provoke.profile,
    complete_generate: provoke.newCa,
    complete_ca_certificate: provoke.newCa,
    reject: provoke.reject,
    release: provoke.keysStall,
    burn: provoke.keysStall,
    audit_next: provoke.bothStart,
  },
  'issuer-registry': {
    ...everyService,
    create_account: provoke.account,
    apply_profile: provoke.profile,
    block_key: provoke.blockKey,
    create_ca: provoke.newCa,
    put_key_work: provoke.newCa,
    disable_ca: provoke.disable,
    make_partitions: provoke.bothStart,
    purge_idempotency: provoke.bothStart,
  },
} satisfies Record<string, Record<string, provoke.Provoke>>;

/** Verbs that are granted and that no process calls yet. Whoever makes one do so moves them up. */
export const uncalled: Readonly<Record<keyof typeof writes | 'ocsp-responder', readonly string[]>> = {
  'identity-api': [],
  signer: ['attach_token', 'key_missing'],
  'issuer-registry': [
    ...['acknowledge', 'confirm', 'fence_expired', 'forget_subscriber', 'open_stream'],
    ...['enable_ca', 'retire_ca', 'lift_quarantine', 'refuse'],
    ...['add_api_key', 'revoke_api_key', 'set_account_state', 'set_profile_state'],
  ],
  'ocsp-responder': ['enrol', 'renew'],
};
