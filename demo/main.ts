import { startChat } from './chat-panel.ts';
import { createControlClient } from './control-client.ts';
import { startControls } from './controls.ts';
import { startFrames } from './frames.ts';
import { identityOf } from './identity.ts';
import { startOutbox } from './outbox-panel.ts';
import { startPicture } from './picture.ts';
import { openSocket } from './socket.ts';
import { startTicker } from './ticker-panel.ts';
import { startTraffic } from './traffic.ts';

const socket = openSocket();
const control = createControlClient();
document.title = `${identityOf(socket.status.tabId).name} · onesocket`;

const picture = startPicture(socket, control);
const chat = startChat(socket);
const ticker = startTicker(socket);
const renderControls = startControls(socket, control);
const renderOutbox = startOutbox(socket);
startTraffic(socket, picture, chat, ticker);

startFrames([picture.render, chat.render, ticker.render, renderControls, renderOutbox]);
