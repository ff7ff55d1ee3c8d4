/** The verbs of each service whose calls are kill points in the processes of this folder (`labelVerbs`). */
export const labelledVerbs = {
  'identity-api': ['join', 'decide', 'cancel', 'read'],
  signer: ['reject', 'release', 'burn', 'registerTemplates', 'completeGenerate', 'completeCaCertificate'],
  'issuer-registry': ['applyProfile', 'createAccount', 'createCa', 'putKeyWork', 'disableCa', 'makePartitions'],
} as const;
