"use strict";

const room = document.querySelector(".room");
const list = document.querySelector("#messages");
const people = document.querySelector("#people");
const state = document.querySelector("#state");
const say = document.querySelector("#say");
const RETRY_MS = 1000;
let socket;

// Insert text as text, never as HTML.
function element(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function show({name, text, at}) {
  const item = element("li", "", name === room.dataset.name ? "own" : "");
  item.append(element("b", name), element("time", at), element("p", text));
  list.append(item);
  list.scrollTop = list.scrollHeight;
}

function connect() {
  socket = new WebSocket(room.dataset.messages);
  socket.onopen = () => {
    // The server sends the old messages again.
    list.replaceChildren();
    state.textContent = "";
  };
  socket.onmessage = (event) => show(JSON.parse(event.data));
  socket.onclose = () => {
    state.textContent = "Not connected. Trying again…";
    setTimeout(connect, RETRY_MS);
  };
}

say.addEventListener("submit", (event) => {
  event.preventDefault();
  const input = say.elements.text;
  if (input.value.trim() && socket.readyState === WebSocket.OPEN) {
    socket.send(input.value);
    input.value = "";
  }
});

new EventSource(room.dataset.people).onmessage = (event) => {
  people.replaceChildren(...JSON.parse(event.data).map((name) => element("li", name)));
};

connect();
