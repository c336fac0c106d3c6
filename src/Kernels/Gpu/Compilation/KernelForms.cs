using System.Collections.Frozen;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// Kernels of which there are several forms (tile sizes, epilogues): each is loaded when it is first asked for. All forms are
/// named beforehand, and another one is refused, so that tests can compile every kernel that can ever be loaded.
/// </summary>
/// <param name="forms">All forms there are.</param>
/// <param name="load">Loads one.</param>
internal sealed class KernelForms<TForm, TLauncher>(IEnumerable<TForm> forms, Func<TForm, TLauncher> load)
    where TForm : struct, IEquatable<TForm>
    where TLauncher : Delegate
{
    private readonly FrozenDictionary<TForm, Lazy<TLauncher>> _kernels =
        forms.ToFrozenDictionary(form => form, form => new Lazy<TLauncher>(() => load(form)));

    /// <summary>All of them, loaded or not.</summary>
    public IEnumerable<Lazy<TLauncher>> All => _kernels.Values;

    /// <summary>The launcher of a form.</summary>
    /// <exception cref="ArgumentException">The form is not one of those that were named.</exception>
    public TLauncher this[TForm form] => _kernels.TryGetValue(form, out Lazy<TLauncher>? kernel)
        ? kernel.Value
        : throw new ArgumentException($"There is no kernel of the form {form}.", nameof(form));
}
