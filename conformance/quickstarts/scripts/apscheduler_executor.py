import threading

from flask import Flask, current_app, g, request
from flask_apscheduler import APScheduler
from flask_executor import Executor

from driving import show

app = Flask(__name__)
app.config.update(SCHEDULER_API_ENABLED=True, EXECUTOR_TYPE="thread")
scheduler, executor = APScheduler(), Executor(app)
scheduler.init_app(app)
ran = threading.Event()


@scheduler.task("interval", id="job", seconds=3600)
def job():
    with scheduler.app.app_context():
        print(current_app.name)
    ran.set()


def work(n):
    return f"{n} {request.path} {g.user} {current_app.name}"


@app.get("/work")
def view():
    g.user = "ada"
    return ", ".join(f.result() for f in [executor.submit(work, 1), executor.submit(work, 2)])


@app.get("/map")
def mapped():
    g.user = "bob"
    return ", ".join(executor.map(work, range(3)))


client = app.test_client()
scheduler.start(paused=True)
show(client.get("/scheduler"))
show(client.post("/scheduler/jobs/job/run"))
print(ran.is_set())
scheduler.shutdown()
show(client.get("/work"))
show(client.get("/map"))
