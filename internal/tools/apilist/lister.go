package main

import (
	"fmt"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// lister collects the lines of one package.
type lister struct {
	pkg    *types.Package
	prefix string
	lines  []string
}

func (l *lister) add(format string, args ...any) {
	l.lines = append(l.lines, l.prefix+fmt.Sprintf(format, args...))
}

func (l *lister) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		kind := " " + l.typ(obj.Type())
		if basic, ok := obj.Type().(*types.Basic); ok && basic.Info()&types.IsUntyped != 0 {
			kind = ""
		}
		l.add("const %s%s = %s", obj.Name(), kind, obj.Val().ExactString())
	case *types.Var:
		l.add("var %s %s", obj.Name(), l.typ(obj.Type()))
	case *types.Func:
		l.add("func %s%s", obj.Name(), l.signature(obj.Signature()))
	case *types.TypeName:
		l.typeName(obj)
	}
}

func (l *lister) typeName(obj *types.TypeName) {
	alias, ok := obj.Type().(*types.Alias)
	if !ok {
		named := obj.Type().(*types.Named)
		l.defined(obj.Name()+l.params(named.TypeParams()), named)
		return
	}
	l.add("type %s%s = %s", obj.Name(), l.params(alias.TypeParams()), l.typ(alias.Rhs()))
	// What an alias shows of an internal package is listed nowhere else.
	named, ok := types.Unalias(alias).(*types.Named)
	if ok && named.Obj().Pkg() != nil && isInternal(named.Obj().Pkg().Path()) {
		l.defined(obj.Name(), named)
	}
}

func isInternal(path string) bool { return slices.Contains(strings.Split(path, "/"), "internal") }

func (l *lister) defined(name string, named *types.Named) {
	switch u := named.Underlying().(type) {
	case *types.Struct:
		l.add("type %s struct", name)
		l.fields(name, u)
	case *types.Interface:
		l.add("type %s interface", name)
		l.interfaceMethods(name, u)
		return
	default:
		l.add("type %s %s", name, l.typ(u))
	}
	l.methods(name, named)
}

// fields lists exported fields, those of an unexported embedded struct among
// them, because they are promoted.
func (l *lister) fields(name string, s *types.Struct) {
	for f := range s.Fields() {
		switch inner, isStruct := structOf(f.Type()); {
		case f.Exported() && f.Embedded():
			l.add("type %s struct, embedded %s", name, l.typ(f.Type()))
		case f.Exported():
			l.add("type %s struct, %s %s", name, f.Name(), l.typ(f.Type()))
		case f.Embedded() && isStruct:
			l.fields(name, inner)
		}
	}
}

func structOf(t types.Type) (*types.Struct, bool) {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	return s, ok
}

// interfaceMethods lists the method set and, where there is one, the types it
// is restricted to. That others cannot implement it is a part of its API.
func (l *lister) interfaceMethods(name string, t *types.Interface) {
	closed := false
	for m := range t.Methods() {
		if !m.Exported() {
			closed = true
			continue
		}
		l.add("type %s interface, %s%s", name, m.Name(), l.signature(m.Signature()))
	}
	if closed {
		l.add("type %s interface, unexported methods", name)
	}
	if !t.IsMethodSet() {
		for e := range t.EmbeddedTypes() {
			l.add("type %s interface, %s", name, l.typ(e))
		}
	}
}

// methods lists what can be called on a value and on a pointer, promoted
// methods included.
func (l *lister) methods(name string, named *types.Named) {
	onValue := types.NewMethodSet(named)
	for sel := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		m := sel.Obj().(*types.Func)
		if !m.Exported() {
			continue
		}
		receiver, _, _ := strings.Cut(name, "[")
		if onValue.Lookup(m.Pkg(), m.Name()) == nil {
			receiver = "*" + receiver
		}
		l.add("method (%s) %s%s", receiver, m.Name(), l.signature(sel.Type().(*types.Signature)))
	}
}

// typ writes a type, packages by their names and the own one by none.
func (l *lister) typ(t types.Type) string {
	return types.TypeString(nameless(t), func(p *types.Package) string {
		if p == l.pkg {
			return ""
		}
		return p.Name()
	})
}

func (l *lister) signature(s *types.Signature) string {
	return l.params(s.TypeParams()) + strings.TrimPrefix(l.typ(s), "func")
}

func (l *lister) params(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	var params []string
	for p := range list.TypeParams() {
		params = append(params, p.Obj().Name()+" "+l.typ(p.Constraint()))
	}
	return "[" + strings.Join(params, ", ") + "]"
}

// nameless takes the names of parameters out of a type that is written in
// full. Types with a name of their own stay as they are.
func nameless(t types.Type) types.Type {
	switch t := t.(type) {
	case *types.Signature:
		return types.NewSignatureType(nil, nil, nil, namelessTuple(t.Params()), namelessTuple(t.Results()), t.Variadic())
	case *types.Pointer:
		return types.NewPointer(nameless(t.Elem()))
	case *types.Slice:
		return types.NewSlice(nameless(t.Elem()))
	case *types.Array:
		return types.NewArray(nameless(t.Elem()), t.Len())
	case *types.Map:
		return types.NewMap(nameless(t.Key()), nameless(t.Elem()))
	case *types.Chan:
		return types.NewChan(t.Dir(), nameless(t.Elem()))
	}
	return t
}

func namelessTuple(tuple *types.Tuple) *types.Tuple {
	var vars []*types.Var
	for v := range tuple.Variables() {
		vars = append(vars, types.NewParam(token.NoPos, v.Pkg(), "", nameless(v.Type())))
	}
	return types.NewTuple(vars...)
}
