const list = document.querySelector("#messages");
const form = document.querySelector("#say");
const button = form.querySelector("button");
let socket;

function connect() {
  socket = new WebSocket(list.dataset.url);
  socket.onopen = () => {
    list.replaceChildren();  // the server sends the last messages again
    button.disabled = false;
  };
  socket.onmessage = (event) => {
    const {name, text} = JSON.parse(event.data);
    const item = document.createElement("li");
    item.textContent = `${name}: ${text}`;  // as text: never as HTML
    list.append(item);
    list.scrollTop = list.scrollHeight;
  };
  socket.onclose = () => {
    button.disabled = true;
    setTimeout(connect, 1000);
  };
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  socket.send(form.elements.text.value);
  form.reset();
});

connect();
