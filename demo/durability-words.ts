import type { Durability, SocketStatus } from 'onesocket';

/** How durable the outbox is, in words. */
export interface DurabilityWords {
  readonly tone: 'off' | 'bad';
  /** A few words for the hub's box. Empty until there is a hub. */
  readonly label: string;
  /** What “stored” means with it. */
  readonly sentence: string;
  /** What is wrong with the store, such as why it is in memory. */
  readonly fault: string;
}

const words: Record<Durability, Pick<DurabilityWords, 'tone' | 'label' | 'sentence'>> = {
  strict: {
    tone: 'off',
    label: 'outbox on disk, strict',
    sentence: 'Strict: what is stored has been flushed to the disk.',
  },
  relaxed: {
    tone: 'off',
    label: 'outbox on disk, relaxed',
    sentence: 'Relaxed: what is stored is with the operating system, which writes it soon.',
  },
  memory: {
    tone: 'bad',
    label: 'outbox in memory only',
    sentence: 'In memory only: what is stored ends with the hub.',
  },
};

/** What the status says about the store. */
export const durabilityWords = ({ durability, storeError }: SocketStatus): DurabilityWords => {
  if (durability === null) return { tone: 'off', label: '', sentence: '', fault: '' };
  const fault = storeError === null ? '' : `${storeError.code}: ${storeError.message}`;
  return { ...words[durability], fault };
};
