"""corsac.flask: the table of behaviours, blueprints, and the ways to configure it."""

import json

import flask
import pytest
from flask import Blueprint, Flask

import behaviours
from behaviours import APP, EVIL, POLICY, PREFLIGHT, PUBLIC, Boom, Row
from corsac import Policy, PolicyCell, PolicyError
from corsac.flask import Corsac
from test_wsgi import Response, environ_of

ORIGIN = ("Origin", APP)
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


def ask(app, path="/", *asked, method="GET"):
    return Response(app, environ_of(Row("", [], method=method, asked=asked), path))


def granted(app, path, *asked, method="GET"):
    return ask(app, path, *(asked or (ORIGIN,)), method=method).all("Access-Control-Allow-Origin")


@pytest.mark.parametrize("row", behaviours.rows("flask"), ids=str)
def test_behaviour(row):
    app = Flask(__name__)
    reached = []
    given = []

    @app.route("/", methods=METHODS, provide_automatic_options=False)
    def view():
        reached.append(flask.request.method)
        headers, status, parts = [], 200, []
        for step in row.respond:
            if step[0] == "headers":
                headers = [*step[1]]
            elif step[0] == "start":
                status = step[1]
            elif step[0] == "body":
                parts.append(step[1])
            else:
                raise Boom
        response = flask.Response(iter(parts) if len(parts) > 1 else b"".join(parts), status, headers)
        given.append((response, list(response.headers)))
        return response

    for _ in range(row.installed):
        Corsac(app, Policy(row.policy))
    response = Response(app, environ_of(row))
    behaviours.check(row, response.status, response.headers, response.body)
    assert len(reached) == row.reached
    for response, headers in given:
        assert list(response.headers) == headers


@pytest.fixture
def site():
    """An application with blueprints, one inside another, and a view of its own."""
    app = Flask(__name__)
    api, admin, plain = Blueprint("api", __name__), Blueprint("admin", __name__), Blueprint("plain", __name__)
    for blueprint in (api, admin, plain):
        blueprint.add_url_rule("/list/", "list", lambda: "ok", methods=["GET", "PUT"])
        blueprint.add_url_rule("/<int:number>", "one", lambda number: "ok")
    api.register_blueprint(admin, url_prefix="/admin")
    app.register_blueprint(api, url_prefix="/api")
    app.register_blueprint(plain, url_prefix="/plain")
    app.add_url_rule("/", "index", lambda: "ok")
    app.add_url_rule("/api/mixed", "mixed", lambda: "ok", methods=["GET"])
    return app, api, admin, plain


OTHER = "https://other.example"


@pytest.mark.parametrize("by", ["blueprint", "name"])
def test_a_blueprint_has_its_policy(site, by):
    app, api, admin, plain = site
    names = {api: "api", admin: "api.admin", plain: "plain"}
    policies = {api: Policy(POLICY), admin: PolicyCell(Policy(allow_origins=[OTHER])), plain: None}
    Corsac(app, Policy(PUBLIC), blueprints={(names[b] if by == "name" else b): p for b, p in policies.items()})
    assert granted(app, "/") == ["*"]
    assert granted(app, "/api/list/") == granted(app, "/api/5") == [APP]
    assert granted(app, "/api/admin/5") == []
    assert granted(app, "/api/admin/5", ("Origin", OTHER)) == [OTHER]
    assert granted(app, "/plain/5") == []
    assert ask(app, "/plain/5", ORIGIN).all("Vary") == []
    # What leads nowhere is nobody's.
    assert granted(app, "/api/nowhere") == ["*"]
    assert ask(app, "/nowhere", ORIGIN).status == 404
    # A redirect and a method that is not allowed are still the blueprint's.
    redirected = ask(app, "/api/list", ORIGIN)
    assert redirected.status == 308
    assert redirected.all("Access-Control-Allow-Origin") == [APP]
    refused = ask(app, "/api/5", ORIGIN, method="DELETE")
    assert refused.status == 405
    assert refused.all("Access-Control-Allow-Origin") == [APP]
    # A view of the application on a path that looks like the blueprint's.
    assert granted(app, "/api/mixed") == ["*"]


def test_a_preflight_is_decided_by_the_blueprint_of_its_request(site):
    app, api, admin, plain = site
    Corsac(app, Policy(PUBLIC), blueprints={api: Policy(POLICY)})
    answered = ask(app, "/api/list/", *PREFLIGHT, method="OPTIONS")
    assert answered.status == 204
    assert answered.all("Access-Control-Allow-Credentials") == ["true"]
    # Also where the method leads to another blueprint than OPTIONS does.
    other = Blueprint("other", __name__)
    other.add_url_rule("/shared", "write", lambda: "ok", methods=["PUT"], provide_automatic_options=False)
    app.add_url_rule("/shared", "read", lambda: "ok", methods=["GET"])
    app.register_blueprint(other)
    Corsac(app, Policy(allow_origins="*"), blueprints={other: Policy(POLICY)})
    assert ask(app, "/shared", *PREFLIGHT, method="OPTIONS").all("Access-Control-Allow-Origin") == [APP]
    assert ask(app, "/shared", ORIGIN, ("Access-Control-Request-Method", "GET"), method="OPTIONS").all(
        "Access-Control-Allow-Origin"
    ) == ["*"]
    # A method that is none does no harm.
    assert ask(app, "/shared", ORIGIN, ("Access-Control-Request-Method", ""), method="OPTIONS").status == 403


def test_a_blueprint_below_a_mounted_application_is_found(site):
    app, api, admin, plain = site
    Corsac(app, Policy(PUBLIC), blueprints={api: Policy(POLICY)})
    environ = environ_of(Row("", []), "/api/list") | {"SCRIPT_NAME": "/mounted"}
    assert Response(app, environ).all("Access-Control-Allow-Origin") == [APP]


def test_a_blueprint_that_is_not_there_is_told_once(caplog):
    app, api, never = Flask(__name__), Blueprint("api", __name__), Blueprint("never", __name__)
    inner = Blueprint("inner", __name__)
    policy = Policy(POLICY)
    Corsac(app, policy, blueprints={api: policy, "api": policy, "api.inner": policy, inner: policy, "ap": policy, never: policy})
    api.register_blueprint(inner)
    app.register_blueprint(api)
    for _ in range(2):
        granted(app, "/")
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert sorted(told) == [f"the application has no blueprint {missing!r}, whose policy decides nothing" for missing in ("ap", never)]


def test_looking_for_the_blueprint_leaves_the_request_alone(site):
    app, api, admin, plain = site
    Corsac(app, Policy(PUBLIC), blueprints={api: Policy(POLICY)})
    environ = environ_of(Row("", []), "/api/5")
    seen = []
    inner = app.wsgi_app.app
    app.wsgi_app.app = lambda environ, start: seen.append(dict(environ)) or inner(environ, start)
    before = dict(environ)
    Response(app, environ)
    assert seen == [before]


def test_a_prefix_has_its_policy_too(site):
    app = site[0]
    Corsac(app, {"/api": Policy(POLICY), "/": Policy(PUBLIC)})
    assert granted(app, "/api/5") == [APP]
    assert granted(app, "/plain/5") == ["*"]


# Configuration


def application(**config):
    app = Flask(__name__)
    app.config.update(config)
    app.add_url_rule("/", "index", lambda: "ok")
    return app


def test_an_extension_may_be_made_first_and_have_several_applications():
    corsac = Corsac(policy=Policy(POLICY))
    apps = [application(), application()]
    for app in apps:
        corsac.init_app(app)
        assert app.extensions["corsac"] is corsac
        assert granted(app, "/") == [APP]


def test_keywords_make_a_policy():
    app = application()
    Corsac(app, allow_origins=[APP])
    assert granted(app, "/") == [APP]
    with pytest.raises(PolicyError):
        Corsac(application(), allow_origins=[APP + "/"])


def test_the_configuration_has_a_policy(tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY))
    for config in (
        {"CORSAC": POLICY},
        {"CORSAC": Policy(POLICY)},
        {"CORSAC": {"/": POLICY, "/other": None}},
        {"CORSAC_POLICY_FILE": str(path)},
        {"CORSAC": "test_flask.CHOICE"},
    ):
        app = application(**config)
        Corsac(app)
        assert granted(app, "/") == [APP]
        assert granted(app, "/", ("Origin", EVIL)) == []


CHOICE = Policy(POLICY)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"CORSAC": {"allow_origins": [APP + "/"], "max_age": -1}}, r"^CORSAC: allow_origins\[0\]: .*\nmax_age: "),
        ({"CORSAC": {"/a": {"allow_origins": []}}}, r'^CORSAC\["/a"\]: allow_origins: '),
        ({"CORSAC": {"/a": POLICY, "b": POLICY}}, "^CORSAC: it is a mapping of path prefixes, none of which is 'b'"),
        ({"CORSAC": {"/a": 5}}, r'^CORSAC\["/a"\]: document must be a mapping, not int'),
        ({"CORSAC": 5}, "^CORSAC: it must be a policy document, .*, not int"),
        ({"CORSAC": "nothing.at_all"}, "^CORSAC: 'nothing.at_all' cannot be imported: "),
        ({"CORSAC": "nothing"}, "^CORSAC: 'nothing' is not the dotted name"),
        ({"CORSAC_POLICY_FILE": "missing.json"}, "^CORSAC_POLICY_FILE: .*missing.json"),
        ({"CORSAC_POLICY_FILE": 5}, "^CORSAC_POLICY_FILE: it must be a path, not int"),
        ({"CORSAC": POLICY, "CORSAC_POLICY_FILE": "x"}, "^CORSAC_POLICY_FILE: set it or CORSAC, not both"),
    ],
)
def test_a_configuration_that_is_wrong_tells_where(config, message):
    with pytest.raises(ValueError, match=message):
        Corsac(application(**config))


def test_no_policy_at_all_is_a_type_error():
    with pytest.raises(TypeError, match="policy is missing"):
        Corsac(application())
    with pytest.raises(TypeError, match="keys of blueprints"):
        Corsac(application(), Policy(POLICY), blueprints={5: Policy(POLICY)})
    with pytest.raises(TypeError, match="values of blueprints"):
        Corsac(application(), Policy(POLICY), blueprints={"api": POLICY})


def test_report_only_touches_nothing():
    app = application()
    seen = []
    Corsac(app, Policy(POLICY), report_only=True, observe=lambda *it: seen.append(it))
    assert granted(app, "/") == []
    assert ask(app, "/", *PREFLIGHT, method="OPTIONS").status == 200  # Flask's own answer
    assert [reason for reason, _, _ in seen] == ["allowed", "allowed"]


def test_exceptions_come_out_where_flask_lets_them_out():
    app = Flask(__name__)
    app.testing = True

    @app.route("/")
    def index():
        raise Boom

    Corsac(app, Policy(POLICY))
    with pytest.raises(Boom):
        app.test_client().get("/", headers={"Origin": APP})
