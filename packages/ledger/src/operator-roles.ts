/** viewer: looks. operator: acts, and proposes what takes two. approver: may be the second of two, besides. */
export const operatorRoles = ['viewer', 'operator', 'approver'] as const;
export type OperatorRole = (typeof operatorRoles)[number];
