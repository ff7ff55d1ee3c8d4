import { randomUUID } from 'node:crypto';
import { makeCsr, testProfiles } from '@sluice/testkit';
import type { LoadRequest } from './target.js';

/** CSRs are made once: the generator's own CPU must not be what is measured. */
const csrCount = 500;

/** `POST /identity` with a client's P-256 CSR and an Idempotency-Key of its own: each is a request of its own. */
export function sluiceRequests(apiKey: string): () => LoadRequest {
  const bodies = Array.from({ length: csrCount }, (_, index) =>
    JSON.stringify({
      profile: testProfiles.p256,
      subject_dn: { common_name: `client-${index}.example` },
      csr: makeCsr('ec-p256', `client-${index}.example`).pem,
    }),
  );
  let sent = 0;
  return () => {
    sent += 1;
    return {
      path: '/identity',
      headers: {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
      },
      body: bodies[sent % csrCount] ?? '',
    };
  };
}

/** CFSSL's sign call with the same kind of CSR. */
export function cfsslRequests(): () => LoadRequest {
  const bodies = Array.from({ length: csrCount }, (_, index) =>
    JSON.stringify({ certificate_request: makeCsr('ec-p256', `client-${index}.example`).pem }),
  );
  let sent = 0;
  return () => {
    sent += 1;
    return {
      path: '/api/v1/cfssl/sign',
      headers: { 'content-type': 'application/json' },
      body: bodies[sent % csrCount] ?? '',
    };
  };
}
