/** How much of everything there is. The tokens set the capacity, so that it is they that are short and not the machine. */
export interface Size {
  /** Of all signers together. */
  readonly signaturesPerSecond: number;
  /** CAs in service beside the clients' own, for which OCSP certificates are renewed, too. */
  readonly liveCas: number;
  /** Of each CA, dead or alive. */
  readonly responders: number;
}

export const sizeForPeople: Size = { signaturesPerSecond: 40, liveCas: 10, responders: 3 };
export const sizeForTests: Size = { signaturesPerSecond: 20, liveCas: 2, responders: 2 };

/** Of the identity clients together: 60 % of the capacity. */
export const ordersPerSecondOf = ({ signaturesPerSecond }: Size): number => 0.6 * signaturesPerSecond;
