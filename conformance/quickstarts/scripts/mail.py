from flask import Flask, render_template_string
from flask_mail import Mail, Message, email_dispatched
from flask_mailman import EmailMessage
from flask_mailman import Mail as Mailman

app = Flask(__name__)
app.config.update(TESTING=True, MAIL_DEFAULT_SENDER="from@example.com", MAIL_BACKEND="locmem")
mail = Mail(app)
sent = []


def receive(sender, message, **extra):
    sent.append((type(sender).__name__, message.subject))


email_dispatched.connect(receive)
with app.app_context(), mail.record_messages() as outbox:
    message = Message("testing", recipients=["to@example.com"])
    message.body = render_template_string("Hello {{ 1 + 1 }}")
    message.attach("a.txt", "text/plain", b"data")
    mail.send(message)
    print([m.subject for m in outbox], outbox[0].sender, outbox[0].body, sent)

other = Flask(__name__)
other.config.update(TESTING=True, MAIL_BACKEND="locmem")
mailman = Mailman(other)
with other.app_context():
    EmailMessage("Hello", "Body", "from@example.com", ["to@example.com"]).send()
    print([(m.subject, m.to) for m in mailman.outbox])
