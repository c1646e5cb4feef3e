from celery import Celery, Task, shared_task
from flask import Flask, current_app, g, has_request_context


def celery_init_app(app):
    class FlaskTask(Task):
        def __call__(self, *args, **kwargs):
            with app.app_context():
                return self.run(*args, **kwargs)

    celery_app = Celery(app.name, task_cls=FlaskTask)
    celery_app.config_from_object(app.config["CELERY"])
    celery_app.set_default()
    app.extensions["celery"] = celery_app
    return celery_app


def create_app():
    app = Flask(__name__)
    app.config.from_mapping(
        CELERY={"task_always_eager": True, "broker_url": "memory://", "task_eager_propagates": True}
    )
    celery_init_app(app)
    app.teardown_appcontext(lambda error: print("teardown", error))

    @app.get("/add")
    def add():
        g.mine = "request"
        return str(add_together.delay(2, 3).get()) + g.mine

    return app


@shared_task(ignore_result=False)
def add_together(a, b):
    g.mine = "task"
    print(current_app.name, has_request_context())
    return a + b


app = create_app()
print(add_together.delay(1, 2).get())
print(app.test_client().get("/add").text)
