import { connect } from '/onesocket/index.js';

start(connect);
