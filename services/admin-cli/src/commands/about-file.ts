import { SluiceError } from '@sluice/errors';

/** Does what reads a profile document: when it is at fault, the error tells the file as well as the places in it. */
export async function aboutFile<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== 'profile-invalid') throw thrown;
    const { code, message, facts } = thrown;
    throw new SluiceError(code, message, { facts: { ...facts, file }, cause: thrown });
  }
}
