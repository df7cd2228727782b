"""What pyproject.toml can't say: the folder `alembic` travels inside the package, as `billing.migrations`."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[
        # folders of templates and texts have no __init__.py
        *find_namespace_packages(include=["billing*", "emails*"], exclude=["*.__pycache__"]),
        "billing.migrations",
        "billing.migrations.versions",
    ],
    package_dir={"billing.migrations": "alembic"},
)
