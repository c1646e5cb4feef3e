import strawberry
from flask import Flask
from strawberry.flask.views import AsyncGraphQLView, GraphQLView

from driving import show

app = Flask(__name__)


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, info: strawberry.Info, name: str = "x") -> str:
        return f"{name} {info.context['request'].path}"

    @strawberry.field
    async def later(self) -> str:
        return "async"


schema = strawberry.Schema(Query)
app.add_url_rule("/graphql", view_func=GraphQLView.as_view("graphql_view", schema=schema))
app.add_url_rule("/async", view_func=AsyncGraphQLView.as_view("async_view", schema=schema))
client = app.test_client()
show(client.post("/graphql", json={"query": '{ hello(name: "ada") }'}))
show(client.post("/async", json={"query": "{ hello later }"}))
show(client.post("/graphql", json={"query": "{ nothing }"}))
show(client.post("/graphql", data="{"))
show(client.get("/graphql", headers={"Accept": "text/html"}), body=False)
show(client.put("/graphql"))
