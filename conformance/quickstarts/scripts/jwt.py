from flask import Flask, jsonify, request
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    current_user,
    get_jwt_identity,
    jwt_required,
    set_access_cookies,
    unset_jwt_cookies,
)

from driving import show

app = Flask(__name__)
app.config.update(JWT_SECRET_KEY="k" * 40, JWT_TOKEN_LOCATION=["headers", "cookies"])
jwt = JWTManager(app)


@jwt.user_lookup_loader
def load(header, data):
    return {"name": data["sub"]}


@app.post("/login")
def login():
    if request.json.get("password") != "test":
        return jsonify(msg="Bad username or password"), 401
    answer = jsonify(access=create_access_token("ada"), refresh=create_refresh_token("ada"))
    set_access_cookies(answer, create_access_token("ada"))
    return answer


@app.get("/protected")
@jwt_required()
def protected():
    return jsonify(logged_in_as=get_jwt_identity(), user=current_user._get_current_object())


@app.get("/optional")
@jwt_required(optional=True)
def optional():
    return jsonify(who=get_jwt_identity())


@app.post("/refresh")
@jwt_required(refresh=True)
def refresh():
    return {"access": create_access_token(get_jwt_identity())}


@app.post("/logout")
def logout():
    answer = jsonify(msg="out")
    unset_jwt_cookies(answer)
    return answer


client, other = app.test_client(), app.test_client()
show(client.post("/login", json={"password": "x"}))
tokens = show(client.post("/login", json={"password": "test"})).json
show(client.get("/protected"))
show(other.get("/protected"))
bearer = {"Authorization": f"Bearer {tokens['access']}"}
show(other.get("/protected", headers=bearer))
show(other.get("/protected", headers={"Authorization": "Bearer x.y.z"}))
show(other.post("/refresh", headers=bearer))
show(other.post("/refresh", headers={"Authorization": f"Bearer {tokens['refresh']}"}))
show(other.get("/optional"))
show(client.post("/logout"))
