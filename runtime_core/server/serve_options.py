"""The options of a service; the command `serve` derives its command line from them."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from runtime_core.option_sources import ADVANCED, Flag
from runtime_core.server.open_files import affordable_connections


def _valid_port(value: Any) -> int:
    try:
        port = int(value)
    except ValueError:
        port = -1
    if not 0 <= port < 2**16:
        raise ValueError("a port is a number from 0 to 65535")
    return port


def _valid_mode(value: Any) -> int:
    try:
        mode = int(str(value), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= _MOST_RIGHTS:
        raise ValueError("a mode is an octal number from 0 to 777, as of chmod")
    return mode


_MOST_RIGHTS = 0o777


class ServeOptions(BaseModel):
    """How a service is run. Sizes are in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: Annotated[
        int, BeforeValidator(_valid_port), Flag(short="-p", variables=("TESSERACT_RUNTIME_PORT",))
    ] = Field(8000, description="Port to listen on; 0 takes a free one.")
    host: Annotated[str, Flag(short="-h", variables=("TESSERACT_RUNTIME_HOST",))] = Field(
        "127.0.0.1", description="Address to listen on."
    )
    uds: str | None = Field(
        None, description="Path of a Unix socket to listen on, instead of host and port."
    )
    uds_mode: Annotated[int, BeforeValidator(_valid_mode), ADVANCED] = Field(
        default_factory=lambda: 0o600, description="Mode of that socket. [default: 600]"
    )
    num_workers: Annotated[int, Flag(short="-w", variables=("TESSERACT_RUNTIME_NUM_WORKERS",))] = (
        Field(1, ge=1, description="Number of worker processes.")
    )
    queue_size: Annotated[int, ADVANCED] = Field(
        64, ge=0, description="Calls that may wait for a worker; more are refused."
    )
    max_queued_bytes: Annotated[int | None, ADVANCED] = Field(
        None, ge=1, description="Bytes of all bodies together. [default: --memory-limit]"
    )
    max_body_size: Annotated[int, ADVANCED] = Field(
        1 << 30, ge=1, description="Most bytes of one body."
    )
    max_connections: Annotated[int, ADVANCED] = Field(
        default_factory=affordable_connections,
        ge=1,
        description="Open connections; more are served probes only. [default: by open files]",
    )
    timeout: float | None = Field(
        None,
        ge=0.001,
        allow_inf_nan=False,
        description="Seconds after which a call is stopped. [default: never]",
    )
    shutdown_grace: Annotated[float, ADVANCED] = Field(
        30.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds that calls may still take after SIGTERM.",
    )
    api_key: Annotated[tuple[str, ...], Flag(variables=None)] = Field(
        (),
        description="A key that callers must show; may be repeated. [env var: TESSERACT_API_KEY]",
        repr=False,
    )
    api_key_file: Annotated[str | None, ADVANCED] = Field(
        None, description="File with a line 'NAME KEY' for each key, readable by its owner alone."
    )
    allowed_host: Annotated[tuple[str, ...], ADVANCED] = Field(
        (), description="A host by whose name the service is reached; may be repeated."
    )
    cors_origin: Annotated[tuple[str, ...], ADVANCED] = Field(
        (), description="An origin whose web pages may call; may be repeated."
    )
    expose_logs: Annotated[bool, ADVANCED] = Field(
        False, description="Send the logs of runs and their hidden files to callers too."
    )
    allow_uploads: Annotated[bool, ADVANCED] = Field(
        False, description="Let callers store files in --input-path, each with --max-body-size."
    )
    max_uploaded_bytes: Annotated[int, ADVANCED] = Field(
        10 << 30, ge=1, description="Bytes of all uploaded files together."
    )
    upload_seconds: Annotated[float, ADVANCED] = Field(
        86_400.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds after which an uploaded file is removed.",
    )
    tls_cert: Annotated[str | None, ADVANCED] = Field(
        None, description="File of a TLS certificate (PEM)."
    )
    tls_key: Annotated[str | None, ADVANCED] = Field(
        None, description="File of its private key (PEM)."
    )
    log_format: Annotated[Literal["text", "json"], ADVANCED] = Field(
        "text", description="Form of the line for each request."
    )
    in_process: Annotated[bool, ADVANCED] = Field(
        False, description="Compute in this process, for debuggers; no call can be stopped."
    )
    reload: bool = Field(
        False, description="Start again when a Python file beside the Tesseract changes."
    )

    @property
    def has_keys(self) -> bool:
        """Whether callers must show a key."""
        return bool(self.api_key or self.api_key_file)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the service.

        >>> [ServeOptions(host=host).is_loopback for host in ("::1", "localhost", "0.0.0.0")]
        [True, True, False]
        """
        if self.uds is not None:
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def is_for_others(self) -> bool:
        """Whether other machines can reach the service, or a proxy lets them.

        >>> [ServeOptions(host="0.0.0.0").is_for_others, ServeOptions().is_for_others]
        [True, False]
        """
        return not self.is_loopback or bool(self.allowed_host)
