import { connect } from 'onesocket';

const query = new URLSearchParams(location.search);
const host = query.get('host');
const socket = connect(query.get('server'), host === null ? {} : { host });

const showState = () => (document.querySelector('#state').textContent = socket.status.state);
socket.addEventListener('status', showState);
showState();

socket.subscribe('news').onMessage((message) => {
  document.querySelector('#messages').textContent += `${JSON.stringify(message.payload)}\n`;
});

globalThis.host = () => socket.status.host;
globalThis.publish = (payload) => socket.publish('news', payload);
