import { type Code, type Problem, SluiceError, toProblem } from '@sluice/errors';
import type { z } from 'zod';
import { refusedFor } from '../findings.js';
import {
  cancelledSchema,
  continuingSchema,
  identitySchema,
  nonceSchema,
  type OrderBody,
  openSchema,
  orderSchema,
  type ProfileBody,
  problemTypeSchema,
  profileSchema,
  profilesSchema,
} from './schemas.js';

/** An order that can be sent as it stands: the CSR is real, P-256 and signed by its own key. */
export const exampleOrder: OrderBody = {
  profile: 'tls-client',
  subject_dn: { common_name: 'unit' },
  csr: `-----BEGIN CERTIFICATE REQUEST-----
MIHJMHECAQAwDzENMAsGA1UEAwwEdW5pdDBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABGZByz12D9T07+WYoVgxvZIncG3dqAI8TTBHubcbXL1dscUzk/m/4TNWK1xi
I7xZNbfMadeFOCPfEPyAEVhRc0egADAKBggqhkjOPQQDAgNIADBFAiBTDBOzFRR5
66iV3yQpvoO9n5JYjToFKtR9pHxd4iu+0wIhAKMPO1dxmC7HJkViNJI3XuuhBWYE
c+4mkDen8f81wMtO
-----END CERTIFICATE REQUEST-----
`,
};

const id = '01a1fcb2-67cd-7ead-8c7b-b8de6e1fc1dd';

const identity: z.infer<typeof identitySchema> = {
  id,
  serial: '40512b73a1c0ffee40512b73',
  signing_cert: `-----BEGIN CERTIFICATE-----
MIIBFjCBvQIMQFErc6HA/+5AUStzMAoGCCqGSM49BAMCMBUxEzARBgNVBAMMCkV4
YW1wbGUgQ0EwHhcNMjYxMTIxMDcwNzM0WhcNMjcwMjE5MDcwNzM0WjAPMQ0wCwYD
VQQDDAR1bml0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZkHLPXYP1PTv5Zih
WDG9kidwbd2oAjxNMEe5txtcvV2xxTOT+b/hM1YrXGIjvFk1t8xp14U4I98Q/IAR
WFFzRzAKBggqhkjOPQQDAgNIADBFAiBDRRamd2hm0q4E8qro/1l0ZSO94XOWvM2m
jG7JjtHnLAIhALoS2AsItCr7XU19BQ+ZgI2/CF4d9Fw1zRQAJBnYihM1
-----END CERTIFICATE-----
`,
  chain: [
    `-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUITcKJTmIvSNn4BPlrQWowbnQ1wcwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKRXhhbXBsZSBDQTAeFw0yNjExMjEwNzA3MzRaFw0zNjExMTgw
NzA3MzRaMBUxEzARBgNVBAMMCkV4YW1wbGUgQ0EwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQkvA462j3zqU5EL5B2+xsLoHL5NkeEUJoN6CIiZCvFRSl/kJvA6afS
wvuFSNReRhhbR9gQHj5nivcUMBTVNnwho1MwUTAdBgNVHQ4EFgQUWiUWGYexStq7
DZYUs8uu/LLSizkwHwYDVR0jBBgwFoAUWiUWGYexStq7DZYUs8uu/LLSizkwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAOh6hSDTdbVJJCRnolaI/h
fqNCpsrB3/uzRI17/JznbQIgaFnnPt9/GFw9wjQYq7Rj29MNS4JqUEX+8ywcX0Fx
xz8=
-----END CERTIFICATE-----
`,
  ],
  not_before: '2026-11-21T07:07:34.000Z',
  not_after: '2027-02-19T07:07:34.000Z',
};

const profile: ProfileBody = {
  name: 'tls-client',
  description: 'TLS client certificates for our services.',
  revision: 3,
  available: true,
  state: 'enabled',
  ca: { name: 'issuing-p256', state: 'active' },
  subject_dn: {
    common_name: { rule: 'required', max: 1, max_characters: 64 },
    organization: { rule: 'static', value: 'Example Ltd' },
    serial_number: {
      ...{ rule: 'optional', max: 1, max_characters: 20 },
      forms: [{ name: 'digits', text: 'must be digits', pattern: '^[0-9]+$' }],
    },
  },
  san: {
    dns_names: {
      ...{ rule: 'optional', max: 3, reserved: 'refuse', wildcards: false },
      forms: [{ name: 'dns-name', text: 'must be a DNS name of A-labels in lower case' }],
    },
  },
  keys: ['ec-p256', 'rsa-2048'],
  key_usage: ['digitalSignature'],
  extended_key_usage: ['clientAuth'],
  validity_seconds: 7_776_000,
  requested_validity: { min_seconds: 3600, max_seconds: 7_776_000, back_seconds: 3600, ahead_seconds: 86_400 },
  time_to_live_seconds: 86_400,
};

const nonce: z.infer<typeof nonceSchema> = {
  nonce: 'AZqki8cAQoVVeGCd_xmtTkkkUO-XLo4GTgF0UG2TSOuGgHJZM3Yk62YVY8Iw4EwMoBNpzMf4',
  expires_at: '2026-11-21T07:12:34.000Z',
  account: 'demo',
};

const { type, code, status, title, what_to_do } = toProblem(new SluiceError('lane-full'));

/** An example for each body that has a name, by its schema. */
export const examples: ReadonlyMap<z.ZodType, unknown> = new Map<z.ZodType, unknown>([
  [orderSchema, exampleOrder],
  [nonceSchema, nonce],
  [identitySchema, identity],
  [continuingSchema, { id, state: 'signing', fate: 'continuing' }],
  [openSchema, { id, state: 'queued' }],
  [cancelledSchema, { id, state: 'cancelled', fate: 'cancelled' }],
  [profileSchema, profile],
  [profilesSchema, { profiles: [profile] }],
  [problemTypeSchema, { type, code, status, title, meaning: 'As much work is open as can be signed.', what_to_do }],
]);

/** The problem that this code is told with, by the function that tells it. */
export function exampleProblem(of: Code): Problem {
  const error =
    of === 'body-invalid' || of === 'subject-invalid'
      ? refusedFor([{ pointer: '/subject_dn/country', code: of, detail: 'is not allowed' }])
      : new SluiceError(of);
  return { ...toProblem(error), request_id: '0b8f5f0e-2d1c-4c3e-9d55-6f1f4f3f7a10' };
}
