import { bundleE2eServer } from '../scripts/e2e-server.mjs';

export default async function setup(): Promise<void> {
  await bundleE2eServer();
}
