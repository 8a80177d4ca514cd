// Take Pyodide from its npm package: node renew.mjs PACKAGE, a folder that holds it unpacked.
// Three files are copied unchanged. The standard library is compiled, which makes the start twice as
// fast, and what no formula wants is left out: networks, processes, mail, XML, developers' tools.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const LEFT_OUT = `_aix_support _android_support _apple_support _ios_support _pyio _pyrepl antigravity
  argparse bdb cmd code codeop compileall configparser cProfile csv ctypes curses dbm doctest email
  ensurepip filecmp fileinput ftplib getopt getpass gettext http imaplib ipaddress mailbox mimetypes
  modulefinder multiprocessing netrc nturl2path optparse pdb pickletools plistlib poplib profile
  profiling pstats pty py_compile pyclbr pydoc pydoc_data rlcompleter sched shelve smtplib
  socketserver sqlite3 symtable sysconfig tabnanny tarfile this tkinter tomllib trace turtle unittest
  uuid venv wave webbrowser wsgiref xml xmlrpc zipapp zoneinfo`;

const [from, to] = [resolve(process.argv[2]), import.meta.dirname];
for (const name of ["pyodide.js", "pyodide.asm.mjs", "pyodide.asm.wasm"]) copyFileSync(join(from, name), join(to, name));

const { loadPyodide } = await import(pathToFileURL(join(from, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: from });
python.FS.writeFile("/whole.zip", new Uint8Array(readFileSync(join(from, "python_stdlib.zip"))));
python.globals.set("left_out", LEFT_OUT);
python.runPython(`
import sys, zipfile
from importlib._bootstrap_external import _code_to_timestamp_pyc

started = set(sys.modules)
unwanted = set(left_out.split()) - started
with zipfile.ZipFile("/whole.zip") as whole, zipfile.ZipFile("/compiled.zip", "w") as compiled:
    for path in sorted(whole.namelist()):
        top = path.partition("/")[0].removesuffix(".py")
        if not path.endswith(".py") or top in unwanted:
            continue
        code = compile(whole.read(path), path, "exec", dont_inherit=True, optimize=2)
        # A fixed time, so that the same package gives the same bytes.
        info = zipfile.ZipInfo(path + "c", (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        compiled.writestr(info, _code_to_timestamp_pyc(code), compresslevel=9)
`);
writeFileSync(join(to, "python_stdlib.zip"), python.FS.readFile("/compiled.zip"));
const { info } = JSON.parse(readFileSync(join(from, "pyodide-lock.json")));
writeFileSync(join(to, "info.json"), JSON.stringify(info) + "\n");
