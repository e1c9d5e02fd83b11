/**
 * Answers batches in their order, for the answer to one stands for all before it. Calls `answer` once the contents of
 * the batch, and of those before it, have been read; at once, if there are none.
 */
export function createBatchLine() {
  let tail: Promise<void> | null = null;
  return <T>(reads: readonly Promise<void>[], answer: () => T): T | Promise<T> => {
    if (!tail && reads.length === 0) return answer();
    const read = Promise.all([tail, ...reads]).then(() => {
      if (tail === read) tail = null;
    });
    tail = read;
    return read.then(answer);
  };
}
