import { z } from 'zod';
import { digestSchema } from './frames.js';
import { snapshotSchema } from './snapshot.js';

/** A state as a subscriber keeps it: with the registry that it is from, and what that one said it was sealed with. */
export const storedStateSchema = z.strictObject({ history: z.uuid(), digest: digestSchema, state: snapshotSchema });
