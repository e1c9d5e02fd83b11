/** Mistakes in who runs the hub, how tabs find it, and what they let go of. `seeds` where it takes a rare coincidence. */
export const electionMutants = [
  {
    name: 'a candidate steals after one question',
    edits: [
      {
        file: 'worker/candidate.ts',
        find: 'if (pings >= workerLimits.pingsMax)',
        replace: 'if (pings >= 1)',
      },
    ],
  },
  {
    name: 'a candidate steals again at once',
    seeds: 2_000,
    edits: [{ file: 'worker/candidate.ts', find: 'isStealAllowed = false;', replace: '' }],
  },
  {
    name: 'a candidate never steals',
    edits: [
      {
        file: 'worker/candidate.ts',
        find: 'if (pings >= workerLimits.pingsMax)',
        replace: 'if (pings < 0)',
      },
    ],
  },
  {
    name: 'the elected tab answers nobody while its hub starts',
    edits: [
      {
        file: 'worker/candidate.ts',
        find: "if (kind === 'ping' && !candidacy.isServed()) answer();",
        replace: '',
      },
    ],
  },
  {
    name: 'the hub answers no question',
    edits: [
      {
        file: 'worker/channel-server.ts',
        find: "if (call?.kind === 'ping') up();\n    else if",
        replace: 'if',
      },
    ],
  },
  {
    name: 'the hub serves before it has the lock',
    edits: [{ file: 'worker/hub-host.ts', find: 'await this.#ownership.elected;', replace: '' }],
  },
  {
    name: 'the thawed hub does not end when it is deposed, and ignores that it was fenced',
    edits: [
      { file: 'src/election.ts', find: 'isElected = false;\n        stop();\n        anew();', replace: '' },
      {
        file: 'worker/ownership.ts',
        find: '      deposed,\n      isServed,',
        replace: '      deposed() {},\n      isServed,',
      },
      { file: 'worker/hub-host.ts', find: 'onFenced: () => this.end(),', replace: 'onFenced: () => {},' },
    ],
  },
  {
    name: 'the tab stays with its hub when another one is up',
    edits: [
      {
        file: 'src/channel-search.ts',
        find: '} else if (foundId !== lastUp) {',
        replace: '} else if (foundId === lastUp) {',
      },
    ],
  },
  {
    name: 'the tab takes what a hub says to which it is not attached',
    seeds: 2_000,
    edits: [
      {
        file: 'src/batches.ts',
        find: 'from === hubId() && !(isEarly',
        replace: '!(isEarly',
      },
      {
        file: 'src/batches.ts',
        find: 'if (hubId() !== null) return takeAll',
        replace: 'if (from) return takeAll',
      },
    ],
  },
  {
    name: 'each end of a channel hears what is meant for another hub',
    seeds: 2_000,
    edits: [
      {
        file: 'worker/channel-endpoint.ts',
        find: 'if (isUp && hub === hubId) tell(listeners, data);',
        replace: 'if (isUp) tell(listeners, data);',
      },
      {
        file: 'worker/channel-endpoint.ts',
        find: 'if (hub === joined) tell(listeners, data);',
        replace: 'tell(listeners, data);',
      },
    ],
  },
  {
    name: 'a page that goes keeps the lock of the hub',
    edits: [{ file: 'src/election.ts', find: 'leave?.();', replace: '' }],
  },
  {
    name: 'a page that goes does not stop its engine',
    edits: [{ file: 'src/election.ts', find: 'stop();\n      const hasStood', replace: 'const hasStood' }],
  },
  {
    name: 'a page that goes listens on',
    edits: [
      {
        file: 'src/channel-search.ts',
        find: "signal.addEventListener('abort', close);",
        replace: '',
      },
    ],
  },
  {
    name: 'a page that is about to be frozen stays the hub',
    edits: [
      {
        file: 'src/page-life.ts',
        find: 'if (hosts.hasEngine()) {',
        replace: 'if (hosts.hasEngine()) {} else if (thaw.length > 0) {',
      },
    ],
  },
  {
    name: 'the hub does not tell its tabs of newer ones',
    edits: [
      {
        file: 'worker/hub-host.ts',
        find: "if (request.version > hubApiVersion && this.#hub) this.#run({ kind: 'outdated' });",
        replace: '',
      },
    ],
  },
];
