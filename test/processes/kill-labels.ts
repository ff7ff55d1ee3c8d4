const everyService = ['enrol', 'renew'] as const;

/** The verbs of each service whose calls are kill points in the processes of this folder (`labelVerbs`). */
export const labelledVerbs = {
  'identity-api': [...everyService, 'join', 'decide', 'cancel', 'read'],
  signer: [
    ...everyService,
    ...([
      'reject',
      'release',
      'burn',
      'registerTemplates',
      'completeGenerate',
      'completeCaCertificate',
      'audit',
    ] as const),
  ],
  'issuer-registry': [
    ...everyService,
    ...(['applyProfile', 'createAccount', 'blockKey', 'createCa', 'putKeyWork', 'disableCa'] as const),
    ...(['makePartitions', 'purgeIdempotency'] as const),
  ],
} as const;
