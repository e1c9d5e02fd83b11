// A Node app with none of the optional packages: the server runs, and each entry that needs one says which.
import { createServer } from 'onesocket/server';

const failureOf = async (use) => {
  try {
    await use();
    return 'works';
  } catch (error) {
    return error.message;
  }
};

const failures = {
  server: await failureOf(() => createServer({}).close()),
  file: await failureOf(async () => {
    const { fileBackbone } = await import('onesocket/server/file');
    await fileBackbone('./data');
  }),
  jwt: await failureOf(async () => {
    const { jwtAuthenticate } = await import('onesocket/server/jwt');
    const key = new TextEncoder().encode('a secret of thirty-two characters or more');
    await jwtAuthenticate({ key, algorithms: ['HS256'], issuer: null, audience: null });
  }),
  metrics: await failureOf(() => import('onesocket/server/metrics')),
  tracing: await failureOf(() => import('onesocket/server/tracing')),
};
console.log(JSON.stringify(failures));
