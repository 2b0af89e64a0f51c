const news = document.querySelector("#news");

new EventSource(news.dataset.url).onmessage = (event) => {
  const item = document.createElement("li");
  item.textContent = event.data;  // as text: never as HTML
  news.prepend(item);
};
