/**
 * Version of everything here that decides which bytes are signed. It goes into each template's hash and is stored with
 * each claim: change it with any change that can change a byte of a TBSCertificate.
 */
export const compilerVersion = '2';
