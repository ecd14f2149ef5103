// Runs in every frame before the page's own scripts: what speaks past the proxy is not to be had at all.
(() => {
  for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "WebTransport"]) delete window[name];
})();
