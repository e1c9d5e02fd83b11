import { browserFaults } from './browser-faults.ts';
import type { Fault } from './fault.ts';
import type { FaultKind } from './schedule.ts';
import type { World } from './world.ts';

const healNetwork = (world: World): void => {
  world.proxy.heal();
  world.path.heal();
};

const onNetwork = (begin: (world: World) => void): Fault => ({
  begin: (world) => {
    const { connections } = world.proxy;
    begin(world);
    return `${connections} connections`;
  },
  end: healNetwork,
});

/** How each kind is done. */
export const faults: Readonly<Record<FaultKind, Fault>> = {
  cut: onNetwork(({ proxy }) => proxy.cut()),
  stall: onNetwork(({ proxy }) => proxy.stall()),
  'deaf-server': onNetwork(({ path }) => path.deafen('up')),
  'deaf-hub': onNetwork(({ path }) => path.deafen('down')),
  halve: onNetwork(({ path }) => path.halve()),
  'kill-server': {
    begin: async ({ server }) => {
      const { pid } = server;
      await server.kill('SIGKILL');
      return String(pid);
    },
    end: ({ server }) => server.start(),
  },
  'freeze-server': {
    begin: ({ server }) => {
      server.stop();
      return String(server.pid);
    },
    end: ({ server }) => server.cont(),
  },
  ...browserFaults,
  'fill-disk': {
    begin: async (world) => {
      await world.fillDisk(true);
      return '';
    },
    end: (world) => world.fillDisk(false),
  },
};
