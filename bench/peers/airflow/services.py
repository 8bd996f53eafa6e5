"""Airflow's API server, scheduler and DAG processor, each bound to the loopback interface."""

import secrets
from pathlib import Path


def start(spawn, environment, free_port):
    """The database's tables first; the services find each other through the API server."""
    port = free_port()
    home = environment["PEER_WORK"]
    environment |= {
        "AIRFLOW_HOME": home,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": environment["DATABASE"].replace("postgres://", "postgresql+psycopg2://"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).with_name("dags")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "50",
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "50",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_API": f"http://127.0.0.1:{port}",
    }
    spawn("airflow", "db", "migrate", wait=True)
    spawn("airflow", "api-server", "--host", "127.0.0.1", "--port", port)
    yield f"http://127.0.0.1:{port}/api/v2/version"
    spawn("airflow", "scheduler", "--skip-serve-logs")
    spawn("airflow", "dag-processor")


def driver(folder, environment):
    """The command of the driver."""
    return [f"{environment['PEER_HOME']}/venv/bin/python", folder / "driver.py"]
