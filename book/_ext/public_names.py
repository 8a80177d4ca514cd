"""A Sphinx extension: a name of labkit is found under every spelling it has.

The reference lists a name where its users import it, say ``labkit.fetch``; a docstring may name
it by the module it is written in. Both mean one object, and both become the same link. A name
that labkit has and the reference leaves out stays plain text. One that labkit does not have is
left to Sphinx, which complains.
"""

from pydoc import locate

from sphinx.util.nodes import make_refnode


def find_elsewhere(app, env, node, content):
    """Return a link to the documented spelling of a name, plain text, or ``None``."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not target.startswith("labkit."):
        return None
    wanted = located(target)
    if wanted is None:
        return None
    return link_to(documented_name(env, target, wanted), app, env, node, content) or content


def located(name):
    """Return the object of a dotted name, or ``None`` where there is none."""
    try:
        return locate(name)
    except Exception:  # whatever an import raises: the name is not there
        return None


def documented_name(env, target, wanted):
    """Return the name under which the reference holds the same object, or ``None``."""
    last = target.rpartition(".")[2]
    candidates = (name for name in env.get_domain("py").objects if name.split(".")[-1] == last)
    return next((name for name in candidates if located(name) is wanted), None)


def link_to(name, app, env, node, content):
    """Return a reference node to a documented name, or ``None`` without one."""
    if name is None:
        return None
    entry = env.get_domain("py").objects[name]
    source = node.get("refdoc", env.docname)
    return make_refnode(app.builder, source, entry.docname, entry.node_id, content, name)


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("missing-reference", find_elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
