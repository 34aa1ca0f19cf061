package vk

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublicFace: what the package exports is there for the program. What only tests call belongs in export_test.go, or
// behind package vktest.
func TestPublicFace(t *testing.T) {
	exported := make(map[string]string)                                                  // identifier to where it is declared
	used := map[string]bool{"String": true, "Error": true, "Is": true, "Estimate": true} // shaders/roofline holds kernels against estimates
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "/testdata/") {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(path))
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if folder == "../vk" {
			declared(f, exported)
		} else if !strings.HasPrefix(folder, "../vk/") {
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					used[s.Sel.Name] = true
				}
				if kv, ok := n.(*ast.KeyValueExpr); ok {
					if id, ok := kv.Key.(*ast.Ident); ok {
						used[id.Name] = true
					}
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(exported) < 50 {
		t.Fatalf("only %d exported names found", len(exported))
	}
	for name, where := range exported {
		if !used[name] {
			t.Errorf("%s (%s) is exported, and no part of the program uses it", name, where)
		}
	}
}

// declared collects the exported functions, methods, and fields of Options.
func declared(f *ast.File, into map[string]string) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() {
				into[d.Name.Name] = f.Name.Name + " function"
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				s, ok := spec.(*ast.TypeSpec)
				if !ok || !strings.HasSuffix(s.Name.Name, "Options") {
					continue
				}
				for _, field := range s.Type.(*ast.StructType).Fields.List {
					for _, n := range field.Names {
						if n.IsExported() {
							into[n.Name] = s.Name.Name + " field"
						}
					}
				}
			}
		}
	}
}
