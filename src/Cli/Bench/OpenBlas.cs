using System.Runtime.InteropServices;

namespace Handwritten.Cli.Bench;

/// <summary>
/// OpenBLAS's single-precision matrix product, for comparison only: loaded from the system where it is installed
/// (Debian's libopenblas0-pthread), never needed.
/// </summary>
internal sealed unsafe class OpenBlas : IDisposable
{
    private const int RowMajor = 101, NoTranspose = 111, Transpose = 112;

    private readonly IntPtr _library;
    private readonly delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> _sgemm;

    private OpenBlas(IntPtr library, int threads)
    {
        _library = library;
        _sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)NativeLibrary.GetExport(library, "cblas_sgemm");
        ((delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "openblas_set_num_threads"))(threads);
        Name = Marshal.PtrToStringUTF8((IntPtr)((delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, "openblas_get_config"))()) ?? "OpenBLAS";
    }

    /// <summary>Version and build options, as the library tells them.</summary>
    public string Name { get; }

    /// <summary>Loads the library.</summary>
    /// <param name="threads">Threads it may use.</param>
    /// <exception cref="UsageException">It is not installed.</exception>
    public static OpenBlas Load(int threads)
    {
        foreach (string name in (string[])["libopenblas.so.0", "libopenblas.so", "libopenblas.dll", "libopenblas.dylib"])
        {
            if (NativeLibrary.TryLoad(name, out IntPtr library))
            {
                return new OpenBlas(library, threads);
            }
        }

        throw new UsageException("--compare openblas needs OpenBLAS, which is not installed: on Debian and Ubuntu, apt-get install libopenblas0-pthread.");
    }

    /// <summary>y = x · wᵀ.</summary>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="w">[outputs, inputs].</param>
    /// <param name="y">[rows, outputs].</param>
    /// <param name="rows">Rows of x.</param>
    /// <param name="outputs">Rows of w.</param>
    /// <param name="inputs">Length of the sums.</param>
    public void Multiply(float* x, float* w, float* y, int rows, int outputs, int inputs) =>
        _sgemm(RowMajor, NoTranspose, Transpose, rows, outputs, inputs, 1, x, inputs, w, inputs, 0, y, outputs);

    public void Dispose() => NativeLibrary.Free(_library);
}
