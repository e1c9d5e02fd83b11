start(onesocket.connect);
